//! The code of an action on its way to a directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};

/// What an unpacked archive may hold: upstream limits the code of an action to 48 MB, packed.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// Decodes base64 text; on failure, the byte at which it stops being base64.
pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, usize> {
    STANDARD.decode(text).map_err(|error| match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => text.len(),
    })
}

/// Tells a zip archive by its first bytes, those of a file in it or of the end of an empty one.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Unpacks a zip archive into an existing directory.
///
/// # Errors
/// The archive is broken, too large, or names a file outside of the directory.
pub(super) fn unpack(bytes: &[u8], directory: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes)).map_err(io::Error::other)?;
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(io::Error::other)?;
        let Some(path) = entry.enclosed_name() else {
            let name = entry.name().map_err(io::Error::other)?;
            let text = format!("the archive names '{name}', outside of its directory");
            return Err(io::Error::other(text));
        };
        let path = directory.join(path);
        if entry.is_dir() {
            fs::create_dir_all(&path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mode = entry.unix_mode();
        // A link would be written as a file that holds its target; nothing can leave the directory.
        let mut file = fs::File::create(&path)?;
        let copied = io::copy(&mut io::Read::take(&mut entry, left + 1), &mut file)?;
        let Some(rest) = left.checked_sub(copied) else {
            return Err(io::Error::other(format!(
                "the archive unpacks to more than {MAX_UNPACKED_BYTES} bytes"
            )));
        };
        left = rest;
        if let Some(mode) = mode {
            set_mode(&path, mode & 0o777 | 0o600)?;
        }
    }
    Ok(())
}

/// Writes a file that can be executed.
pub(super) fn write_executable(path: PathBuf, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::write(&path, bytes)?;
    set_mode(&path, 0o755)?;
    Ok(path)
}

/// Sets the permissions of a file.
pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn an_archive_keeps_folders_and_executable_bits() {
        let directory = tempfile::tempdir().unwrap();
        unpack(&archive_with("bin/run.sh"), directory.path()).unwrap();
        let file = directory.path().join("bin/run.sh");
        assert_eq!(fs::read(&file).unwrap(), b"text");
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn an_archive_cannot_leave_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let error = unpack(&archive_with("../outside"), &inner).unwrap_err();
        assert_eq!(error.to_string(), "the archive names '../outside', outside of its directory");
        assert!(!directory.path().join("outside").exists());
    }

    #[test]
    fn base64_errors_name_the_byte() {
        assert_eq!(decode_base64("%%%"), Err(0));
        assert_eq!(decode_base64("YQ=="), Ok(b"a".to_vec()));
        assert_eq!(decode_base64("YQ"), Err(2));
    }

    fn archive_with(name: &str) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file(name, options).unwrap();
        writer.write_all(b"text").unwrap();
        writer.finish().unwrap().into_inner()
    }
}
