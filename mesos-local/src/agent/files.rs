//! Reading the files of sandboxes.

use std::{
    fs::{self, Metadata},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    time::UNIX_EPOCH,
};

use mesos_proto::v1;

use super::sandbox::Sandboxes;

/// One request reads at most so many bytes: 16 pages.
const MAX_READ: u64 = 65_536;

/// A part of a file.
#[derive(Debug)]
pub(crate) struct Part {
    /// Size of the whole file.
    pub(crate) size: u64,
    pub(crate) data: Vec<u8>,
}

/// Why a file is not read.
#[derive(Debug)]
pub(crate) enum FileError {
    /// There is no such file in a sandbox.
    Missing,
    /// Not something to read; says why.
    Refused(&'static str),
    Io(io::Error),
}

/// Reads from `offset`, up to `length` bytes and no more than 64 KiB. Behind the end there is nothing.
pub(crate) fn read(
    sandboxes: &Sandboxes,
    path: &str,
    offset: u64,
    length: Option<u64>,
) -> Result<Part, FileError> {
    let (mut file, size) = open(sandboxes, path)?;
    let length = length.unwrap_or(MAX_READ).min(MAX_READ).min(size.saturating_sub(offset));
    let mut data = Vec::new();
    if length > 0 {
        file.seek(SeekFrom::Start(offset)).map_err(FileError::Io)?;
        file.take(length).read_to_end(&mut data).map_err(FileError::Io)?;
    }
    Ok(Part { size, data })
}

/// Lists a directory, in order of names. Links that lead out of the sandbox are left out.
pub(crate) fn list(sandboxes: &Sandboxes, path: &str) -> Result<Vec<v1::FileInfo>, FileError> {
    let directory = sandboxes.resolve(path).ok_or(FileError::Missing)?;
    if !directory.is_dir() {
        return Err(FileError::Missing);
    }
    let mut infos = Vec::new();
    for entry in fs::read_dir(&directory).map_err(FileError::Io)? {
        let name = entry.map_err(FileError::Io)?.file_name();
        let listed = Path::new(path).join(&name).display().to_string();
        let Some(metadata) = sandboxes.resolve(&listed).and_then(|file| file.metadata().ok()) else {
            continue;
        };
        infos.push(info(listed, &metadata));
    }
    infos.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(infos)
}

/// The mode of a file as `ls` writes it.
pub(crate) fn mode_text(mode: u32) -> String {
    let kind = if mode & 0o170_000 == 0o040_000 { 'd' } else { '-' };
    let bits = (0..9).map(|bit| {
        let letter = ['r', 'w', 'x'][bit % 3];
        if mode & (0o400 >> bit) == 0 { '-' } else { letter }
    });
    std::iter::once(kind).chain(bits).collect()
}

/// Opens a file to be read and tells its size.
pub(crate) fn open(sandboxes: &Sandboxes, path: &str) -> Result<(fs::File, u64), FileError> {
    let file = sandboxes.resolve(path).ok_or(FileError::Missing)?;
    let metadata = file.metadata().map_err(FileError::Io)?;
    if metadata.is_dir() {
        return Err(FileError::Refused("Cannot read a directory."));
    }
    // Opening a pipe would wait for its writer.
    if !metadata.is_file() {
        return Err(FileError::Refused("Cannot read what is not a regular file."));
    }
    Ok((fs::File::open(&file).map_err(FileError::Io)?, metadata.len()))
}

fn info(path: String, metadata: &Metadata) -> v1::FileInfo {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    // Whole seconds, as real agents tell them.
    let seconds = i64::try_from(modified.map_or(0, |time| time.as_secs())).unwrap_or(0);
    v1::FileInfo {
        path,
        nlink: i32::try_from(metadata.nlink()).ok(),
        size: Some(metadata.len()),
        mtime: Some(v1::TimeInfo { nanoseconds: seconds.saturating_mul(1_000_000_000) }),
        mode: Some(metadata.permissions().mode()),
        uid: Some(name_of("/etc/passwd", metadata.uid())),
        gid: Some(name_of("/etc/group", metadata.gid())),
    }
}

/// The name of a user or group, its number if it has none.
fn name_of(file: &str, id: u32) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let id = id.to_string();
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&id.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
        .unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_ls_writes_them() {
        for (mode, text) in [(33188, "-rw-r--r--"), (0o040_755, "drwxr-xr-x"), (0o100_000, "----------")] {
            assert_eq!(mode_text(mode), text);
        }
    }
}
