//! What this process does on signals, as far as no runtime knows it: sigaction(2).

/// Whether a signal was ignored by whoever started us, as nohup(1) and a shell's background jobs do.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: all zero is a valid `sigaction`: numbers, a set of bits, and an address that is not called.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action nothing changes; the present one is written into `now`, which outlives the call.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut now) };
    asked == 0 && now.sa_sigaction == libc::SIG_IGN
}

/// Gives signals back to the kernel's own action, so that they end this process again.
pub fn give_back(signals: impl IntoIterator<Item = i32>) {
    for signal in signals {
        // SAFETY: SIG_DFL runs no code of ours. A number that is no signal is refused, and nothing is lost by it.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_ignored_is_told_from_one_that_is_not() {
        const UNUSED: i32 = libc::SIGURG;
        assert!(!is_ignored(UNUSED));
        // SAFETY: SIG_IGN runs no code; this signal means nothing to anybody here.
        unsafe { libc::signal(UNUSED, libc::SIG_IGN) };
        assert!(is_ignored(UNUSED));
        give_back([UNUSED]);
        assert!(!is_ignored(UNUSED));
    }
}
