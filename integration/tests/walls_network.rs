//! A cell's network is a loopback of its own and nothing else, unless the host's is asked for.

use integration::inside::{look, look_outside};
use integration::support::run;
use std::net::TcpListener;

#[test]
fn there_is_only_a_loopback_and_it_is_up() {
    let ran = run(&["--", "cat", "/proc/self/net/dev", "/proc/self/net/route"]);
    let names: Vec<&str> =
        ran.out.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect();
    assert_eq!(names, ["lo"], "{ran:?}");
    // IPv6 shows addresses of interfaces that are up only; IPv4 shows its local routes.
    let routes = run(&["--", "cat", "/proc/self/net/fib_trie"]);
    assert!(routes.out.contains("127.0.0.1"), "lo is not up: {routes:?}");
}

#[test]
fn the_loopback_works_inside() {
    // Nobody listens, so an interface that is up refuses and one that is down is unreachable.
    assert_eq!(look(&[], &["connect", "9"])["connect"], "ECONNREFUSED");
}

#[test]
fn what_listens_on_the_hosts_loopback_is_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the host's");
    let port = listener.local_addr().expect("its address").port().to_string();
    let words = ["connect", port.as_str()];
    assert_eq!(look_outside(&words)["connect"], "ok 0", "the control: it listens");
    assert_eq!(look(&[], &words)["connect"], "ECONNREFUSED");
    assert_eq!(look(&["--net", "host"], &words)["connect"], "ok 0", "with --net host it is reached");
}

#[test]
fn an_abstract_socket_of_the_host_is_out_of_reach() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("ironcell-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a short name");
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address).expect("it listens");
    let words = ["abstract", name.as_str()];
    assert_eq!(look_outside(&words)["abstract"], "ok 0", "the control: it listens");
    assert_eq!(look(&[], &words)["abstract"], "ECONNREFUSED");
}

#[test]
fn the_network_is_not_the_jobs_to_change() {
    for flags in [&[][..], &["--net", "host"]] {
        for user in ["1000", "0"] {
            let script = "ip link set lo down; echo $?; ip addr add 10.9.8.7/32 dev lo; echo $?";
            let ran = run(&[flags, &["--user", user, "--", "sh", "-c", script]].concat());
            assert_eq!(ran.out, "2\n2\n", "user {user}, {flags:?}: {ran:?}");
            assert!(ran.err.contains("Operation not permitted"), "{ran:?}");
        }
    }
}

#[test]
fn a_name_is_resolved_by_the_cells_own_files() {
    assert!(run(&["--", "getent", "hosts", "cell"]).out.contains("localhost"), "its own name is known");
    let ran = run(&["--net", "host", "--", "cat", "/etc/hosts"]);
    assert_eq!(ran.out, std::fs::read_to_string("/etc/hosts").expect("the host's"), "the host's network has its names");
}
