//! Who owes what in which phase, in which words, with which id.

