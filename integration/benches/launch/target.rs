//! The smallest program there is: a static file of some hundred bytes that exits with 0. What a program does by itself
//! (a dynamic loader, a C library's start) would be measured with every launch, and is nobody's here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// `exit_group(0)` in machine code, and the machine's number in ELF.
#[cfg(target_arch = "x86_64")]
const CODE: (&[u8], u16) = (b"\x31\xff\xb8\xe7\x00\x00\x00\x0f\x05", 62);
#[cfg(target_arch = "aarch64")]
const CODE: (&[u8], u16) = (b"\x00\x00\x80\xd2\xc8\x0b\x80\xd2\x01\x00\x00\xd4", 183);

/// Where it is loaded: where linkers put static programs.
const BASE: u64 = 0x40_0000;
/// Sizes of the file's header and of its one program header, elf(5).
const HEADERS: (u16, u16) = (64, 56);

/// Writes it.
pub fn write(path: &Path) {
    fs::write(path, image()).expect("the target is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the target is made executable");
}

/// elf(5), 64 bits, little endian: a header, one segment, the code.
fn image() -> Vec<u8> {
    let (code, machine) = CODE;
    let (header, segment) = HEADERS;
    let start = u64::from(header + segment);
    let size = start + code.len() as u64;
    let mut image = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |bytes: &[u8]| image.extend_from_slice(bytes);
    // ET_EXEC, machine, version; entry, program headers, no sections; flags.
    put(&2_u16.to_le_bytes());
    put(&machine.to_le_bytes());
    put(&1_u32.to_le_bytes());
    for number in [BASE + start, u64::from(header), 0] {
        put(&number.to_le_bytes());
    }
    put(&0_u32.to_le_bytes());
    for number in [header, segment, 1, 0, 0, 0] {
        put(&number.to_le_bytes());
    }
    // PT_LOAD, readable and executable; offset, address twice, size twice, alignment.
    put(&1_u32.to_le_bytes());
    put(&5_u32.to_le_bytes());
    for number in [0, BASE, BASE, size, size, 0x1000] {
        put(&number.to_le_bytes());
    }
    put(code);
    image
}
