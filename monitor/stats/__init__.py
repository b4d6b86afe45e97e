"""Arrays in, numbers out: no names of columns, no time, no configuration."""
