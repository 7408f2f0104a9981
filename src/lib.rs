//! Ordain.
