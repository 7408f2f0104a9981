//! Whole-journal tests.
