//! Sockets: which families there are, who can be reached, and who is reached.

use integration::answer::{errno_name, last_errno};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// The families of Linux 6.18 end at 45 (AF_MCTP); some room for later ones.
const FAMILIES: i32 = 50;
/// Stream, datagram, raw, RDM, seqpacket, DCCP, packet.
const TYPES: [i32; 7] = [1, 2, 3, 4, 5, 6, 10];
/// Netlink's protocols end at 22; for others the numbers of ICMP, TCP, UDP, and what is common.
const PROTOCOLS: [i32; 23] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22];

/// A line for each way to make a socket that succeeded, and a line `family-N ERRNO` where none of the family did.
pub fn families() {
    for family in 0..FAMILIES {
        let mut made = false;
        let mut refused = String::new();
        for kind in TYPES {
            for protocol in PROTOCOLS {
                // SAFETY: takes numbers; the descriptor is closed at once.
                let fd = unsafe { libc::socket(family, kind, protocol) };
                if fd < 0 {
                    refused = last_errno();
                    continue;
                }
                // SAFETY: as above.
                unsafe { libc::close(fd) };
                println!("socket-{family}-{kind}-{protocol} ok {fd}");
                made = true;
            }
        }
        if !made {
            println!("family-{family} {refused}");
        }
        let mut pair = [0; 2];
        // SAFETY: two numbers that outlive the call.
        if unsafe { libc::socketpair(family, libc::SOCK_STREAM, 0, pair.as_mut_ptr()) } == 0 {
            println!("pair-{family} ok {}", pair[0]);
        }
    }
}

/// Connects to the host's loopback at this port, to where clouds tell secrets, and to somewhere in the world.
pub fn reach(port: &str) {
    let places = [
        ("loopback", format!("127.0.0.1:{port}")),
        ("loopback-other", format!("127.9.9.9:{port}")),
        ("loopback-v6", format!("[::1]:{port}")),
        ("metadata", "169.254.169.254:80".to_owned()),
        ("world", "192.0.2.1:80".to_owned()),
        ("world-v6", "[2001:db8::1]:80".to_owned()),
    ];
    for (name, place) in places {
        let address: SocketAddr = place.parse().expect("an address");
        match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            Ok(_) => println!("{name} ok 0"),
            Err(error) => println!("{name} {}", errno_name(error.raw_os_error().unwrap_or(0))),
        }
    }
}

/// Listens everywhere until its input ends.
pub fn serve(port: &str) {
    let _listener = TcpListener::bind(format!("0.0.0.0:{port}")).expect("the port is free");
    println!("listens");
    std::io::stdout().flush().expect("written");
    let _ = std::io::stdin().read(&mut [0]);
}
