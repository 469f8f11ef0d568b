//! What the fuzz targets do with an input, one file each; `tests/corpus.rs` of the crate includes these files
//! and does the same with the committed inputs.

pub mod event;
pub mod json;
pub mod recordio;
pub mod resources_text;
