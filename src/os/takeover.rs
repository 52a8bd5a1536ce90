//! How a program that embeds ironcell becomes its own keeper: before its `main`, when it was executed to be one.
//!
//! A function in `.init_array` runs before the program's own code (ld.so(8), "Initialization and termination functions"),
//! so no embedding program can forget to call it, and none of its code runs in the keeper.

use std::ffi::{CStr, c_char, c_int};

/// Called by the C library with the arguments of the program, as glibc does on every architecture, static or not.
#[used]
#[unsafe(link_section = ".init_array")]
static TAKE_OVER: extern "C" fn(c_int, *const *const c_char) = take_over_if_asked;

/// Becomes the keeper if the program was executed as one; else returns at once.
extern "C" fn take_over_if_asked(argc: c_int, argv: *const *const c_char) {
    if argc < 1 || argv.is_null() {
        return;
    }
    // SAFETY: the C library passes the program's own argument vector, which has `argc` C strings and outlives all code.
    let arg0 = unsafe { *argv };
    if arg0.is_null() {
        return;
    }
    // SAFETY: as above; a string that is not null ends with NUL.
    let arg0 = unsafe { CStr::from_ptr(arg0) };
    if init_shim::keeper::is_asked_for(arg0.to_bytes()) {
        init_shim::keeper::take_over();
    }
}

/// Keeps the linker from leaving this file out of a program that executes its keeper.
pub fn ensure_linked() {
    std::hint::black_box(&TAKE_OVER);
}
