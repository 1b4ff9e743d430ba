"""Each adapter speaks one outside language; none knows another."""
