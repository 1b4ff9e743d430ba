"""Values and judgement: pure, standard library only, no clock, no I/O."""
