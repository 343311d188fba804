//! The checks over made-up facts.
