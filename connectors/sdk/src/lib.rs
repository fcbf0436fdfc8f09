//! What every connector is: conversations without I/O, budgets as data, faults that name their remedy.
