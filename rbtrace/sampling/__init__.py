"""Stack samples of the running program: samplers behind one interface, and profile files."""
