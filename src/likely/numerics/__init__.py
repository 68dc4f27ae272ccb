"""Arrays in, arrays out: the numerical floor on which families stand. Nothing here knows a family."""
