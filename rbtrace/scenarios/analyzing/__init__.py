"""What analyzing costs: generated traces of any size, and programs that analyze them in turns."""
