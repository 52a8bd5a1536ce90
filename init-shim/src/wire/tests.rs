//! The order's bytes: the same for ever, whole or refused.

use super::*;
use proptest::prelude::*;

fn order() -> Order {
    let source = Source { path: b"/d".to_vec(), writable: true, ids: IdMapping::Owner { uid: 1000, gid: 5 } };
    Order {
        hostname: "cell".to_owned(),
        own_network: true,
        root: RootFs::Fresh { size: 4096, inodes: 8 },
        entries: vec![
            Entry { path: b"/d".to_vec(), what: What::BindDirectory(source) },
            Entry { path: b"/l".to_vec(), what: What::Link { target: b"t".to_vec() } },
            Entry { path: b"/proc".to_vec(), what: What::Proc },
        ],
        oom_score_adj: 500,
        uid: 1000,
        gid: 1000,
        rlimits: vec![Rlimit { resource: 7, soft: 1, hard: 2, exact: true }],
        nice: Some(5),
        umask: 0o022,
        cwd: b"/".to_vec(),
        programs: vec![b"/bin/a".to_vec()],
        argv: vec![b"a".to_vec()],
        env: vec![b"P=1".to_vec()],
        terminal: Some(Window { rows: 24, columns: 200 }),
        waits: false,
        landlock: Some(Landlock {
            handled: 0x1fff,
            scoped: 3,
            root: 5,
            beneath: vec![Beneath { entry: 2, allowed: 7 }],
            stdio: (4, 2),
        }),
        filter: vec![Instruction { code: 6, jt: 0, jf: 0, k: 0x7fff_0000 }],
        init_filter: Vec::new(),
        #[cfg(feature = "seam")]
        left_out: Vec::new(),
    }
}

#[test]
fn the_bytes_of_an_order_are_the_ones_that_were_always_written() {
    let golden: &[&[u8]] = &[
        b"\x04cell\x01",                             // host name, own network
        b"\x00\x80\x20\x08",                         // a fresh root: size, inodes
        b"\x03\x02/d\x03\x02/d\x01\x01\xe8\x07\x05", // three entries: a bind with its owner,
        b"\x02/l\x01\x01t\x05/proc\x07",             // a link, proc
        b"\xe8\x07\xe8\x07\xe8\x07",                 // oom_score_adj (zigzag), uid, gid
        b"\x01\x07\x01\x02\x01\x01\x05\x12\x01/",    // one rlimit, nice, umask, cwd
        b"\x01\x06/bin/a\x01\x01a\x01\x03P=1",       // programs, argv, env
        b"\x01\x18\xc8\x01",                         // a terminal of 24 by 200
        b"\x01\xff\x3f\x03\x05\x01\x02\x07\x04\x02", // Landlock: handled, scoped, the root, one rule, stdio
        b"\x01\x06\x00\x00\x80\x80\xfc\xff\x07",     // one instruction
        b"\x00",                                     // PID 1's filter: none
        b"\x00",                                     // it does not wait
    ];
    assert_eq!(order().encode(), golden.concat());
}

#[test]
fn an_order_that_breaks_a_bound_is_refused() {
    let refused = |change: fn(&mut Order)| {
        let mut order = order();
        change(&mut order);
        assert_eq!(Order::decode(&order.encode()), None);
    };
    refused(|order| order.argv.clear());
    refused(|order| order.programs.clear());
    refused(|order| order.uid = SHIM_ID);
    refused(|order| order.gid = CELL_IDS);
    refused(|order| order.entries = vec![Entry { path: b"/x".to_vec(), what: What::Proc }; ENTRIES_MOST + 1]);
}

#[test]
fn an_order_that_was_cut_or_has_something_behind_it_is_refused() {
    let bytes = order().encode();
    for end in 0..bytes.len() {
        assert_eq!(Order::decode(&bytes[..end]), None, "cut at {end}");
    }
    assert_eq!(Order::decode(&[bytes.as_slice(), b"!"].concat()), None);
    assert_eq!(Order::decode(&bytes), Some(order()));
}

proptest! {
    #[test]
    fn any_strings_survive_the_wire(
        argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..20),
        env in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20),
        cwd in prop::collection::vec(any::<u8>(), 0..100),
        uid in 0..SHIM_ID,
    ) {
        let order = Order { argv, env, cwd, uid, ..order() };
        prop_assert_eq!(Order::decode(&order.encode()), Some(order));
    }

    #[test]
    fn hostile_bytes_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Order::decode(&bytes);
    }

    #[test]
    fn a_flipped_byte_never_gives_an_order_out_of_bounds(at in 0_usize..100, flip in 1_u8..) {
        let mut bytes = order().encode();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Some(order) = Order::decode(&bytes) {
            prop_assert!(order.uid < SHIM_ID && order.gid < SHIM_ID && !order.argv.is_empty());
        }
    }
}

#[test]
fn the_walls_of_an_order_are_what_is_not_the_jobs_alone() {
    let job = order();
    let walls = job.walls();
    assert_eq!(walls.walls(), walls, "walls have no other walls");
    assert_eq!(Order::decode(&walls.encode()), Some(walls.clone()), "they are an order that a keeper takes");
    let same: [fn(&mut Order); 10] = [
        |order| order.nice = None,
        |order| order.rlimits.clear(),
        |order| order.umask = 0,
        |order| order.cwd = b"/d".to_vec(),
        |order| order.programs.push(b"/b".to_vec()),
        |order| order.argv.push(b"x".to_vec()),
        |order| order.env.clear(),
        |order| order.terminal = None,
        |order| order.filter.clear(),
        |order| order.init_filter.extend(order.filter.clone()),
    ];
    for change in same {
        let mut other = job.clone();
        change(&mut other);
        assert!(other != job && other.walls() == walls);
    }
    let others: [fn(&mut Order); 9] = [
        |order| order.hostname.push('x'),
        |order| order.own_network = false,
        |order| order.root = RootFs::Fresh { size: 4096, inodes: 9 },
        |order| order.entries.truncate(2),
        |order| order.oom_score_adj = 0,
        |order| order.uid = 0,
        |order| order.gid = 0,
        |order| order.landlock = None,
        |order| order.landlock.as_mut().expect("there are rules").root = 0,
    ];
    for change in others {
        let mut other = job.clone();
        change(&mut other);
        assert!(other.walls() != walls);
    }
}

#[test]
fn the_size_of_a_tmpfs_is_the_jobs_and_all_else_of_it_is_a_wall() {
    let with = |size, inodes, mode| {
        let what = What::Tmpfs { size, inodes, mode };
        Order { entries: vec![Entry { path: b"/t".to_vec(), what }], ..order() }.walls()
    };
    assert_eq!(with(1, 2, 3), with(4, 2, 3));
    assert_ne!(with(1, 2, 3), with(1, 4, 3));
    assert_ne!(with(1, 2, 3), with(1, 2, 4));
}
