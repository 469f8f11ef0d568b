//! Ids that clients choose.

/// Checks an id that becomes part of paths.
pub(in crate::master) fn validate(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("ID must not be empty".into());
    }
    if id.len() > 255 {
        return Err("ID must not be greater than 255 characters".into());
    }
    if id == "." || id == ".." {
        return Err(format!("'{id}' is disallowed"));
    }
    if id.chars().any(|character| character.is_control() || character == '/' || character == '\\') {
        return Err(format!("'{id}' contains invalid characters"));
    }
    Ok(())
}
