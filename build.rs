//! Compiles the protocol (`src/rpc/*.proto`) into Rust, without protoc: for the feature `daemon` alone.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "daemon")]
    protocol::compile();
}

#[cfg(feature = "daemon")]
mod protocol {
    use std::env;
    use std::fs;
    use std::path::PathBuf;

    /// The protocols: our own, and the one of the older Remote Job Executor.
    const PROTOS: [&str; 2] = ["ironcell.proto", "compat.proto"];

    /// Server, client and messages into `OUT_DIR`; beside them the descriptors, for reflection.
    pub fn compile() {
        let dir = "src/rpc/proto";
        println!("cargo::rerun-if-changed={dir}");
        let compiled = protox::compile(PROTOS, [dir]).expect("the protocol compiles");
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
        let bytes = protox::prost::Message::encode_to_vec(&compiled);
        fs::write(out.join("descriptors.bin"), bytes).expect("the descriptors are written");
        tonic_prost_build::configure()
            .bytes(".ironcell.v1.OutputChunk")
            // In an order of their own: the same job is the same bytes.
            .btree_map(".ironcell.v1")
            .compile_fds(compiled)
            .expect("the code is generated");
    }
}
