//! Compiles `mesos-proto/proto` to Rust and to a descriptor set, without protoc.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process,
};

use prost::Message;

use crate::print;

/// What to do with the generated files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Replace what is committed.
    Write,
    /// Compare with what is committed.
    Check,
}

/// Generates everything, then writes or compares it.
pub(crate) fn run(repository: &Path, mode: Mode) -> Result<(), String> {
    let folder = repository.join("mesos-proto/src/v1/generated");
    let generated = generate(&repository.join("mesos-proto/proto"))?;
    match mode {
        Mode::Write => write(&folder, &generated),
        Mode::Check => check(&folder, &generated),
    }
}

fn generate(protos: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = Vec::new();
    collect_protos(protos, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([protos]).map_err(|error| error.to_string())?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(files).map_err(|error| format!("{error:?}"))?;
    let mut descriptors = compiler.file_descriptor_set();

    let out = env::temp_dir().join(format!("mesos-proto-codegen-{}", process::id()));
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut config = prost_build::Config::new();
    config
        .out_dir(&out)
        .bytes(["."])
        .btree_map(["."])
        .enable_type_names()
        // What hardly any message has would take most of the room of messages that there are ten thousands of.
        .boxed(".mesos.v1.Resource.disk")
        .boxed(".mesos.v1.Offer.Operation.launch_group")
        .boxed(".mesos.v1.Offer.Operation.grow_volume")
        .boxed(".mesos.v1.Offer.Operation.shrink_volume")
        .boxed(".mesos.v1.Offer.Operation.create_disk")
        .boxed(".mesos.v1.Offer.Operation.destroy_disk")
        .extern_path(".google.protobuf.Duration", "crate::google::Duration");
    let compiled = config.compile_fds(descriptors.clone()).map_err(|error| error.to_string());
    let generated = compiled.and_then(|()| read_folder(&out));
    let removed = fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()));
    let mut generated = generated?;
    removed?;

    // Comments belong in the Rust code; programs that look at descriptors do not need them.
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    generated.insert("descriptors.bin".to_owned(), descriptors.encode_to_vec());
    Ok(generated)
}

fn collect_protos(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            collect_protos(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

fn read_folder(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let content = fs::read(entry.path()).map_err(|error| format!("{name}: {error}"))?;
        files.insert(name, content);
    }
    Ok(files)
}

fn write(folder: &Path, generated: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, content) in generated {
        fs::write(folder.join(name), content).map_err(|error| format!("{name}: {error}"))?;
    }
    print(&format!("wrote {} files to {}", generated.len(), folder.display()));
    Ok(())
}

fn check(folder: &Path, generated: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let committed = read_folder(folder)?;
    let mut drifted: Vec<&str> = Vec::new();
    for name in committed.keys().chain(generated.keys()) {
        if committed.get(name) != generated.get(name) && !drifted.contains(&name.as_str()) {
            drifted.push(name);
        }
    }
    if drifted.is_empty() {
        print(&format!("codegen: {} files are up to date", generated.len()));
        return Ok(());
    }
    Err(format!("{} differ from the .proto files; run `cargo xtask codegen`", drifted.join(", ")))
}
