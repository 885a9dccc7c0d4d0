"""What detection is worth, as figures. Pure: facts go in, in any order and any number of times; scores come out."""
