//! Files of an agent.

use std::time::Duration;

use bytes::Bytes;
use mesos_proto::v1::{
    FileInfo,
    agent::{
        self,
        call::{ListFiles, ReadFile, Type},
    },
};
use prost::Message;

use super::{
    OPERATOR_API, OperatorError, decode,
    exchange::Exchange,
    files::{self, FileChunk},
};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::{auth::Credentials, url::HttpUrl};

/// An agent gives at most 64 KiB of a file at once, which `/files/read` may write as six times as many bytes;
/// and a sandbox has at most some thousand files.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The operator API of an agent, and its files.
///
/// Paths are those of the agent's own file system or virtual ones, see [`sandbox_path`](super::sandbox_path).
#[derive(Clone, Debug)]
pub struct AgentApi {
    /// The API.
    url: HttpUrl,
    /// What the agent itself is at: its files are not below the prefix that the API may have.
    base: HttpUrl,
    exchange: Exchange,
}

/// A part of a file of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePart {
    /// Bytes that the whole file has at present.
    pub size: u64,
    /// The bytes from the offset on; empty behind the end. An agent gives at most 64 KiB at once.
    pub data: Bytes,
}

impl AgentApi {
    /// The API of the agent at `url`; see [`agent_url_of_offer`](super::agent_url_of_offer) and
    /// [`MasterApi::agent_url`](super::MasterApi::agent_url) for where to get it.
    pub fn new(url: HttpUrl) -> Self {
        Self {
            base: files::base(&url, OPERATOR_API),
            url: url.with_api_path(OPERATOR_API),
            exchange: Exchange::new(Duration::from_secs(10), LARGEST_ANSWER, std::slice::from_ref(&url)),
        }
    }

    /// Time for one call, connecting included; 10 s unless set. Of these connecting may take 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.exchange.timeout = timeout;
        self
    }

    /// How the client proves who it is; not at all unless set.
    ///
    /// The header goes to the agent and to where it redirects; not on from there, and not from `https` to `http`.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.exchange.security.credentials = credentials;
        self
    }

    /// How `https://` is spoken; with the roots of the system unless set.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.exchange.security.tls = Some(tls);
        self
    }

    /// READ_FILE: up to `length` bytes of a file (up to its end without a length, at most 64 KiB anyway), from
    /// `offset` on. A length of 0 asks for the size.
    ///
    /// # Errors
    /// There was no answer or a refusal; [`OperatorError::is_not_found`] tells that the agent does not have
    /// this file (any more), [`OperatorError::is_directory`] that it is none.
    pub async fn read_file(
        &self,
        path: &str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<FilePart, OperatorError> {
        let read_file = Some(ReadFile { path: path.to_owned(), offset, length });
        let call = agent::Call { r#type: Some(Type::ReadFile.into()), read_file, ..agent::Call::default() };
        let answer = self.call(&call, path).await?.read_file;
        let part = answer.map(|agent::response::ReadFile { size, data }| FilePart { size, data });
        part.ok_or_else(|| OperatorError::bad_answer(&self.url, "'read_file' is missing"))
    }

    /// LIST_FILES: what is in a folder. The paths in the answer are whole, in the form that was asked for.
    ///
    /// # Errors
    /// There was no answer or a refusal; [`OperatorError::is_not_found`] tells that the agent does not have
    /// this folder (any more).
    pub async fn list_files(&self, path: &str) -> Result<Vec<FileInfo>, OperatorError> {
        let list_files = Some(ListFiles { path: path.to_owned() });
        let call = agent::Call { r#type: Some(Type::ListFiles.into()), list_files, ..agent::Call::default() };
        let answer = self.call(&call, path).await?.list_files;
        let files = answer.map(|agent::response::ListFiles { file_infos }| file_infos);
        files.ok_or_else(|| OperatorError::bad_answer(&self.url, "'list_files' is missing"))
    }

    /// GET `/files/read`, which may be allowed where [`read_file`](Self::read_file) is not: up to `length` bytes of a
    /// file (up to its end without a length, at most 64 KiB anyway), from `offset` on.
    ///
    /// # Errors
    /// As [`read_file`](Self::read_file), or the path is too long for a URL.
    pub async fn files_read(
        &self,
        path: &str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<FileChunk, OperatorError> {
        self.get_files_read(path, Some(offset), length).await
    }

    /// GET `/files/read` without an offset: the bytes that the file has at present.
    ///
    /// # Errors
    /// As [`read_file`](Self::read_file), or the path is too long for a URL.
    pub async fn files_size(&self, path: &str) -> Result<u64, OperatorError> {
        self.get_files_read(path, None, None).await.map(|chunk| chunk.offset)
    }

    async fn get_files_read(
        &self,
        path: &str,
        offset: Option<u64>,
        length: Option<u64>,
    ) -> Result<FileChunk, OperatorError> {
        let url = files::read_url(&self.base, path, offset, length);
        let url = url.map_err(|error| OperatorError::path_too_long(&self.base, error))?;
        let answer = self.exchange.get(&url).await.map_err(|error| error.about_file(path))?;
        files::parse(&answer).map_err(|why| OperatorError::bad_answer(&url, &why))
    }

    async fn call(&self, call: &agent::Call, path: &str) -> Result<agent::Response, OperatorError> {
        let answer = self.exchange.post(&self.url, call.encode_to_vec().into()).await;
        decode(&self.url, answer.map_err(|error| error.about_file(path))?)
    }
}
