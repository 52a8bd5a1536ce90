//! A bundle of the Open Container Initiative (config.md of its runtime specification), for the rivals that run such: the
//! host's programs read-only, an empty set of capabilities, the namespaces that every runtime makes.

use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Writes one here that runs `true`.
pub fn write(place: &Path) {
    let root = place.join("rootfs");
    for directory in ["usr", "proc", "dev", "tmp"] {
        fs::create_dir_all(root.join(directory)).expect("a directory of the bundle is made");
    }
    for name in ["bin", "lib", "lib64"] {
        symlink(Path::new("usr").join(name), root.join(name)).expect("a link of the bundle is made");
    }
    let mount = |target, kind, source, options: &[&str]| json!({ "destination": target, "type": kind, "source": source, "options": options });
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
    let config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": ["true"],
            "env": ["PATH=/usr/bin"],
            "cwd": "/",
            "capabilities": { "bounding": [], "effective": [], "permitted": [] },
            "noNewPrivileges": true,
        },
        "root": { "path": root, "readonly": true },
        "hostname": "cell",
        "mounts": [
            mount("/proc", "proc", "proc", &[]),
            mount("/dev", "tmpfs", "tmpfs", &["nosuid", "mode=755", "size=65536k"]),
            mount("/tmp", "tmpfs", "tmpfs", &["nosuid", "nodev", "mode=1777"]),
            mount("/usr", "bind", "/usr", &["bind", "ro", "nosuid", "nodev"]),
        ],
        "linux": { "namespaces": namespaces },
    });
    fs::write(place.join("config.json"), config.to_string()).expect("the bundle's configuration is written");
}
