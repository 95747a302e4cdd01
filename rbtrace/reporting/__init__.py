"""From results to what people and programs read: a report model and its renderers."""
