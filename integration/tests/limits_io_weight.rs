//! `--io-weight`: in force where a disk shares by weight, refused where none does.

use integration::limits::{AtEnd, disk, effective, shell};
use integration::support::{cgroup_mount, report, run};

#[test]
fn a_weight_that_no_disk_hears_is_refused_and_one_that_is_heard_is_in_force() {
    let qos = cgroup_mount().join("io.cost.qos");
    let (number, _) = disk("scratch");
    let off = format!("echo '{number} enable=0' > {}", qos.display());
    shell(&off);
    let ran = run(&["--io-weight", "50", "--", "true"]);
    assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
    assert!(
        ran.err.contains("--io-weight 50 cannot be enforced: no disk of this host shares by weight"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("io.cost.qos"), "the way out: {}", ran.err);

    let _off = AtEnd(off);
    shell(&format!("echo '{number} enable=1' > {}", qos.display()));
    let (ran, report) = report(&["--io-weight", "50", "--", "true"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(effective(&report, "io.weight").as_deref(), Some("default 50"));
}
