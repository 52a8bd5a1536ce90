//! Signals to this program: Ctrl-C and its relatives, and changes of the terminal's size.
//!
//! The handler only writes the signal's number into a pipe; a thread reads it and acts. The first interrupt goes to the
//! guest's command, if one runs that can take it; everything else ends the program without leaving anything behind.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use integration::frame::Frame;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::session::Voice;
use crate::{terminal, workdir};

static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Who hears of the next interrupt, and of the terminal's size.
static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

/// A command in the guest, as far as signals are concerned.
pub struct Listener {
    pub voice: Voice,
    /// False once an interrupt was passed on: the second one is for us.
    pub takes_interrupt: bool,
}

/// From now on signals go to `listener`; without one an interrupt ends the program.
pub fn listen(listener: Option<Listener>) {
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = listener;
}

pub fn install() -> io::Result<()> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    PIPE.store(writer.as_raw_fd(), Ordering::Relaxed);
    // The handler uses it as long as the program runs.
    std::mem::forget(writer);
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGWINCH] {
        // SAFETY: `sigaction` is plain data, for which zeros are valid.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handle as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: the handler does one `write`, which is async-signal-safe; `action` lives across the call.
        if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    thread::spawn(move || watch(&reader));
    Ok(())
}

extern "C" fn handle(signal: libc::c_int) {
    let byte = signal as u8;
    // SAFETY: one byte from the stack into a descriptor that is never closed. A full pipe already says enough.
    unsafe { libc::write(PIPE.load(Ordering::Relaxed), (&raw const byte).cast(), 1) };
}

fn watch(reader: &OwnedFd) {
    let mut byte = [0];
    loop {
        match rustix::io::read(reader, &mut byte) {
            Ok(1) => act(i32::from(byte[0])),
            Err(rustix::io::Errno::INTR) => {}
            _ => return,
        }
    }
}

fn act(signal: i32) {
    let mut listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    match (signal, listener.as_mut()) {
        (libc::SIGWINCH, Some(Listener { voice, .. })) => {
            if let Some(window) = terminal::window() {
                tell(voice, Frame::Window(window));
            }
        }
        (libc::SIGWINCH, None) => {}
        (libc::SIGINT, Some(listener)) if listener.takes_interrupt => {
            listener.takes_interrupt = false;
            tell(&listener.voice, Frame::Signal(libc::SIGINT));
        }
        _ => {
            // QEMU goes with us: it has our death as its signal.
            terminal::restore();
            workdir::remove();
            std::process::exit(128 + signal);
        }
    }
}

/// In a thread of its own, for a guest that hangs may not take it, and the next signal must find us listening.
fn tell(voice: &Voice, frame: Frame) {
    let voice = voice.clone();
    // A guest that hears no more is noticed by the one who waits for it.
    thread::spawn(move || voice.say(&frame));
}
