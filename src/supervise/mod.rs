//! HEAD: decides what happens to jobs; every system call is made by `os`.

pub mod doctor;
