//! A TCP proxy that breaks what goes through it.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

use crate::world::within;

/// What a connection is for. The first request tells: SUBSCRIBE has no `Mesos-Stream-Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Stream,
    Calls,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In good order, as far as TCP is concerned.
    Close,
    Reset,
}

/// What happens to one connection.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    None,
    /// So many bytes of answers come through, and the next one ends the connection.
    CutAfter(usize, End),
    /// So many bytes of answers come through, then none; the connection stays open.
    StallAfter(usize),
    /// Answers come in pieces of so many bytes.
    Pieces(usize),
    /// The master is not asked; the first request gets these bytes for an answer.
    Answer(String),
}

/// An answer of anybody, without a length unless it has a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Fault {
    Fault::Answer(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    /// Keeps the port while connections are refused.
    held: Option<TcpSocket>,
    /// Accepts, and owns the connections.
    task: JoinSet<()>,
}

struct Shared {
    target: String,
    stream: LaneState,
    calls: LaneState,
    open: watch::Sender<usize>,
    /// Ends of connections to be: at once, whatever they are for.
    on_accept: Mutex<VecDeque<End>>,
}

#[derive(Default)]
struct LaneState {
    faults: Mutex<VecDeque<Fault>>,
    /// Whether answers stand still, on all connections of the lane.
    is_stalled: watch::Sender<bool>,
    /// Counts orders to end all connections; the last one says how.
    ends: watch::Sender<(u64, Option<End>)>,
    /// What came through of the answers on the latest connection.
    seen: Mutex<Vec<u8>>,
}

impl Proxy {
    /// A proxy before `http://host:port`.
    pub(crate) async fn start(target: &str) -> Self {
        let shared = Shared {
            target: target.strip_prefix("http://").unwrap().to_owned(),
            stream: LaneState::default(),
            calls: LaneState::default(),
            open: watch::Sender::new(0),
            on_accept: Mutex::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut proxy = Self { port, shared: Arc::new(shared), held: None, task: JoinSet::new() };
        proxy.task.spawn(accept(listener, Arc::clone(&proxy.shared)));
        proxy
    }

    pub(crate) fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// Sets what happens to the next connections of a lane, one after the other; those after them are
    /// unharmed.
    pub(crate) fn plan(&self, lane: Lane, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lane(lane).faults.lock().unwrap().extend(faults);
    }

    /// Ends the next connections as soon as they are there.
    pub(crate) fn plan_ends(&self, ends: impl IntoIterator<Item = End>) {
        self.shared.on_accept.lock().unwrap().extend(ends);
    }

    /// Stops answers on the open connections of a lane and on new ones; requests go through.
    pub(crate) fn stall(&self, lane: Lane) {
        self.shared.lane(lane).is_stalled.send_replace(true);
    }

    pub(crate) fn go_on(&self, lane: Lane) {
        self.shared.lane(lane).is_stalled.send_replace(false);
    }

    /// Ends the open connections of a lane.
    pub(crate) fn end(&self, lane: Lane, end: End) {
        self.shared.lane(lane).ends.send_modify(|(count, how)| (*count, *how) = (*count + 1, Some(end)));
    }

    /// The bytes of answers that came through on the latest connection of a lane.
    pub(crate) fn seen(&self, lane: Lane) -> Vec<u8> {
        self.shared.lane(lane).seen.lock().unwrap().clone()
    }

    /// Ends all connections and refuses new ones.
    pub(crate) async fn refuse(&mut self) {
        self.task.shutdown().await;
        // A process that the cluster starts right now holds the listener until its program begins.
        let bound = async {
            loop {
                match bind(self.port) {
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    bound => return bound.unwrap(),
                }
            }
        };
        self.held = Some(within(bound).await);
    }

    pub(crate) fn listen(&mut self) {
        let listener = self.held.take().expect("the proxy refuses connections").listen(64).unwrap();
        self.task.spawn(accept(listener, Arc::clone(&self.shared)));
    }

    /// Waits until no connection is open.
    pub(crate) async fn wait_for_silence(&self) {
        let mut open = self.shared.open.subscribe();
        within(open.wait_for(|count| *count == 0)).await.unwrap();
    }
}

impl Shared {
    fn lane(&self, lane: Lane) -> &LaneState {
        match lane {
            Lane::Stream => &self.stream,
            Lane::Calls => &self.calls,
        }
    }
}

fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    Ok(socket)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.unwrap();
                client.set_nodelay(true).unwrap();
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    shared.open.send_modify(|count| *count += 1);
                    let counted = Counted(Arc::clone(&shared));
                    serve(client, &shared).await;
                    drop(counted);
                });
            }
            Some(served) = connections.join_next(), if !connections.is_empty() => served.unwrap(),
        }
    }
}

/// One open connection.
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.send_modify(|count| *count -= 1);
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) {
    let end = shared.on_accept.lock().unwrap().pop_front();
    if let Some(end) = end {
        return finish(client, end);
    }
    let Some(first) = first_request(&mut client).await else { return };
    let head = String::from_utf8_lossy(&first).to_ascii_lowercase();
    let state = shared.lane(if head.contains("\r\nmesos-stream-id: ") { Lane::Calls } else { Lane::Stream });
    let mut ends = state.ends.subscribe();
    let fault = state.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
    state.seen.lock().unwrap().clear();
    if let Fault::Answer(text) = fault {
        // The client may go before it has all of it.
        let _ = client.write_all(text.as_bytes()).await;
        let _ = io_until_end(&mut client).await;
        return;
    }
    let Ok(mut master) = TcpStream::connect(&shared.target).await else {
        return finish(client, End::Reset);
    };
    master.set_nodelay(true).unwrap();
    if master.write_all(&first).await.is_err() {
        return finish(client, End::Reset);
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_master, mut to_master) = master.into_split();
    let end = tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_master) => End::Close,
        end = answers(&mut from_master, &mut to_client, fault, state) => end,
        _ = ends.changed() => ends.borrow().1.unwrap_or(End::Close),
    };
    finish(from_client.reunite(to_client).unwrap(), end);
}

async fn io_until_end(client: &mut TcpStream) -> io::Result<u64> {
    tokio::io::copy(client, &mut tokio::io::sink()).await
}

fn finish(client: TcpStream, end: End) {
    if end == End::Reset {
        client.set_zero_linger().unwrap();
    }
}

/// The first request with its body, so that an answer to it never meets unread bytes, which would turn
/// the end of the connection into a reset.
async fn first_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if read.len() >= end + 4 + length.map_or(0, |length| length.parse().unwrap()) {
                return Some(read);
            }
        }
        match client.read_buf(&mut read).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Passes answers on until the fault or either side ends it.
async fn answers(
    master: &mut OwnedReadHalf,
    client: &mut OwnedWriteHalf,
    fault: Fault,
    state: &LaneState,
) -> End {
    let mut stalled = state.is_stalled.subscribe();
    let mut sent = 0;
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = match master.read(&mut bytes).await {
            Ok(0) => return End::Close,
            Ok(read) => read,
            Err(_) => return End::Reset,
        };
        stalled.wait_for(|is_stalled| !is_stalled).await.unwrap();
        let (allowed, piece) = match fault {
            Fault::CutAfter(bytes, _) | Fault::StallAfter(bytes) => (read.min(bytes - sent), usize::MAX),
            Fault::Pieces(piece) => (read, piece),
            Fault::None | Fault::Answer(_) => (read, usize::MAX),
        };
        for piece in bytes[..allowed].chunks(piece.min(allowed.max(1))) {
            if client.write_all(piece).await.is_err() {
                return End::Close;
            }
            state.seen.lock().unwrap().extend(piece);
            sent += piece.len();
            tokio::task::yield_now().await;
        }
        match fault {
            Fault::CutAfter(_, end) if allowed < read => return end,
            Fault::StallAfter(_) if allowed < read => std::future::pending().await,
            Fault::None
            | Fault::CutAfter(..)
            | Fault::StallAfter(_)
            | Fault::Pieces(_)
            | Fault::Answer(_) => {}
        }
    }
}
