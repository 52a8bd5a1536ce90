//! Wears out what is counted: inodes, depth of directories, processes, the scheduler's patience.

use crate::path;
use integration::answer::last_errno;
use std::time::{Duration, Instant};

/// As long as a name may be.
const LONGEST: usize = 255;
/// How long a storm lasts: thirty periods of the CPU controller.
const STORM: Duration = Duration::from_secs(3);
/// Processes that are tried for, before it is told how many there were.
const TRIED: i32 = 3000;

/// Makes empty files until there are this many, or no more can be made.
pub fn many(place: &str, count: &str) {
    let count: u32 = count.parse().expect("a number");
    for number in 0..count {
        let name = path(&format!("{place}/{number}"));
        // SAFETY: a C string that outlives the call.
        if unsafe { libc::mknod(name.as_ptr(), libc::S_IFREG | 0o600, 0) } < 0 {
            return println!("many {} after {number}", last_errno());
        }
    }
    println!("many ok {count}");
}

/// Makes directories in directories, each with the longest name, far deeper than a path can say; a link to itself below.
pub fn deep(place: &str, count: &str) {
    let count: u32 = count.parse().expect("a number");
    let name = path(&"d".repeat(LONGEST));
    std::env::set_current_dir(place).expect("it is there");
    for number in 0..count {
        // SAFETY: C strings that outlive the calls.
        let entered = unsafe {
            libc::symlink(c"loop".as_ptr(), c"loop".as_ptr());
            libc::mkdir(name.as_ptr(), 0o700) == 0 && libc::chdir(name.as_ptr()) == 0
        };
        if !entered {
            return println!("deep {} after {number}", last_errno());
        }
    }
    println!("deep ok {count}");
}

/// Eight threads that make the scheduler work without working themselves.
pub fn storm(kind: &str) {
    let step: fn() = match kind {
        "yield" => std::thread::yield_now,
        "sleep" => || std::thread::sleep(Duration::from_nanos(1)),
        "clock" => || {
            std::hint::black_box(Instant::now());
        },
        _ => panic!("attack: no storm of kind {kind}"),
    };
    let end = Instant::now() + STORM;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while Instant::now() < end {
                    step();
                }
            });
        }
    });
    println!("storm ok 0");
}

/// Forks so that nobody is left to wait for whom: sessions of their own, parents gone, every signal ignored.
pub fn scatter() {
    for signal in 1..65 {
        // SAFETY: takes numbers; two signals cannot be ignored.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    println!("scatter ok 0");
    loop {
        // SAFETY: one thread; the children go on in this loop.
        unsafe {
            if libc::fork() == 0 {
                libc::setsid();
                if libc::fork() != 0 {
                    libc::_exit(0);
                }
                libc::setpgid(0, 0);
            }
        }
    }
}

/// When it is told to: starts processes that wait until no more can be started; says how many there are.
pub fn fill() {
    println!("ready now");
    let _ = std::io::stdin().read_line(&mut String::new());
    let mut count = 0;
    while count < TRIED {
        // SAFETY: one thread; the children wait for the end of their PID 1.
        match unsafe { libc::fork() } {
            -1 => break,
            0 => loop {
                // SAFETY: takes nothing.
                unsafe { libc::pause() };
            },
            _ => count += 1,
        }
    }
    println!("fill {} after {count}", last_errno());
    crate::leave::stay(&[]);
}
