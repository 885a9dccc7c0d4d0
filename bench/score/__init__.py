"""The offline score: the generator, the rules as the scalar core defines them and the score, in one process."""
