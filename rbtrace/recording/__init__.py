"""What runs inside other people's programs: `@traced`, `span`, call trees, propagation."""
