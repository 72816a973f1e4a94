//! Security policy: what code may say before it is run.
