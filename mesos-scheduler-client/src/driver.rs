//! The loop that joins a session, its connections, the clock and the user.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use tokio::{
    sync::{mpsc, oneshot},
    time,
};
use tracing::{Span, debug, field::display, info, trace, warn};

use crate::{
    alarm::Alarm,
    callers::Callers,
    client::Command,
    connection::Security,
    event_queue::{EventQueue, Progress, Push, Queued},
    identity::FrameworkIdStore,
    leaders::{Leaders, Word},
    metrics::Instruments,
    observers::Observers,
    session::{CallOutcome, CloseReason, Event, Session, Transmit},
    store_tasks::{StoreReply, StoreTasks},
    transport::{Input, Transport},
};

/// How much is taken in one round of what has come.
const ROUND: usize = 256;

/// How much of the stream is taken in one round, about: its events are queued only then, and the queue has a limit.
const ROUND_BYTES: usize = 16 * 1024;

/// What a session asks besides the masters.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) security: Security,
    pub(crate) store: Option<Arc<dyn FrameworkIdStore>>,
    pub(crate) leaders: Leaders,
    pub(crate) observers: Observers,
}

/// Runs one session to its end.
#[derive(Debug)]
pub(crate) struct Driver {
    session: Session,
    transport: Transport,
    inputs: mpsc::Receiver<Input>,
    commands: mpsc::UnboundedReceiver<Command>,
    events: EventQueue,
    closed: Arc<OnceLock<CloseReason>>,
    store: StoreTasks,
    leaders: Leaders,
    observers: Observers,
    callers: Callers,
    instruments: Instruments,
    /// Whether there is a subscription.
    standing: Standing,
    /// Who waits for the end; dropping them tells it.
    waiting_for_end: Vec<oneshot::Sender<()>>,
}

impl Driver {
    pub(crate) fn new(
        session: Session,
        surroundings: Surroundings,
        commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::Sender<Queued>,
        closed: Arc<OnceLock<CloseReason>>,
    ) -> Self {
        let Surroundings { security, store, leaders, observers } = surroundings;
        let (transport, inputs) = Transport::new(security);
        Self {
            session,
            transport,
            inputs,
            commands,
            events: EventQueue::new(events),
            closed,
            store: StoreTasks::new(store),
            leaders,
            observers,
            callers: Callers::default(),
            instruments: Instruments::new(),
            standing: Standing::lost(now()),
            waiting_for_end: Vec::new(),
        }
    }

    /// Input, then everything that the session wants, then wait; until the session is closed. Nothing here
    /// waits for the user.
    pub(crate) async fn run(mut self) {
        self.session.start(now());
        let mut alarm = Alarm::new(now());
        let mut has_clients = true;
        let reason = loop {
            if let Some(reason) = self.drain() {
                break reason;
            }
            let deadline = self.session.poll_timeout().map(|(at, _)| at);
            tokio::select! {
                Some(input) = self.inputs.recv() => self.handle_inputs(input),
                Some(reply) = self.store.next() => self.handle_store_reply(reply),
                word = self.leaders.next() => self.handle_leader(word),
                progress = self.events.progress() => match progress {
                    Progress::CaughtUp => self.session.handle_caught_up(),
                    Progress::Gone => self.session.close(),
                },
                command = self.commands.recv(), if has_clients => match command {
                    Some(command) => self.handle_commands(command),
                    None => has_clients = false,
                },
                () = alarm.ring(deadline) => {
                    // What lay unread while this process was held up is no silence.
                    self.handle_waiting_inputs(usize::MAX);
                    self.session.handle_timeout(now());
                }
            }
        };
        self.finish(reason).await;
    }

    /// Does all that the session wants. Returns how the session ended, if it did.
    fn drain(&mut self) -> Option<CloseReason> {
        let now = now();
        loop {
            self.drain_transmits(now);
            self.drain_outcomes(now);
            let mut is_full = false;
            while let Some(event) = self.session.poll_event() {
                self.standing.watch(now, &event, &mut self.instruments);
                self.observers.tell(&event);
                if let Event::Closed(reason) = event {
                    // What the end itself asks for, such as to clear the store.
                    self.drain_transmits(now);
                    return Some(reason);
                }
                match self.events.push(now, event) {
                    Push::Queued => {}
                    Push::Full => {
                        is_full = true;
                        self.session.handle_overflow(now, self.events.capacity());
                    }
                    // The receiver owns this driver and is about to end it.
                    Push::Gone => self.session.close(),
                }
            }
            // An overflow aborts the stream and resolves the calls.
            if !is_full {
                return None;
            }
        }
    }

    fn drain_transmits(&mut self, now: Instant) {
        while let Some(transmit) = self.session.poll_transmit(now) {
            match transmit {
                Transmit::LoadFrameworkId => self.store.load(),
                Transmit::SaveFrameworkId { id } => self.store.save(id),
                Transmit::ClearFrameworkId => self.store.clear(),
                other => {
                    if let Transmit::Subscribe { request, .. } | Transmit::Call { request, .. } = &other {
                        self.instruments.sent(request.body().len());
                    }
                    self.transport.transmit(other);
                }
            }
        }
    }

    fn drain_outcomes(&mut self, now: Instant) {
        while let Some((call, outcome)) = self.session.poll_outcome() {
            self.callers.tell(now, call, outcome, &mut self.instruments);
        }
    }

    fn handle_leader(&mut self, word: Word) {
        debug!(?word, "leader");
        match word {
            Word::Leads(url) => self.session.handle_leader(now(), Ok(url)),
            Word::NoLeader(why) => self.session.handle_leader(now(), Err(why)),
            Word::Failed(why) => self.session.handle_detection_failed(&why),
        }
    }

    fn handle_store_reply(&mut self, reply: StoreReply) {
        match reply {
            StoreReply::Loaded(result) => self.session.handle_framework_id_loaded(now(), result),
            StoreReply::Saved(id, result) => {
                self.session.handle_framework_id_saved(now(), &id, result);
            }
            StoreReply::Cleared => {}
        }
    }

    /// What has come by now, so that one round takes care of all of it.
    fn handle_inputs(&mut self, first: Input) {
        let bytes = first.stream_bytes();
        self.handle_input(first);
        self.handle_waiting_inputs(ROUND_BYTES.saturating_sub(bytes));
    }

    /// Until so many bytes of the stream were taken.
    fn handle_waiting_inputs(&mut self, mut bytes: usize) {
        for _ in 0..ROUND {
            if bytes == 0 {
                return;
            }
            let Ok(input) = self.inputs.try_recv() else { return };
            bytes = bytes.saturating_sub(input.stream_bytes());
            self.handle_input(input);
        }
    }

    fn handle_commands(&mut self, first: Command) {
        self.handle_command(first);
        for _ in 1..ROUND {
            let Ok(command) = self.commands.try_recv() else { return };
            self.handle_command(command);
        }
    }

    fn handle_input(&mut self, input: Input) {
        let (session, now) = (&mut self.session, now());
        match input {
            Input::Dialing { stream } => session.handle_dialing(now, stream),
            Input::Connected { stream } => session.handle_connected(now, stream),
            Input::Head { stream, status, headers, text } => {
                session.handle_response_head(now, stream, status, &headers, &text);
            }
            Input::Bytes { stream, bytes } => {
                self.instruments.received(bytes.len());
                session.handle_stream_bytes(now, stream, bytes);
            }
            Input::End { stream } => session.handle_stream_end(now, stream),
            Input::StreamFailed { stream, why } => session.handle_stream_failed(now, stream, &why),
            Input::CallReply { call, status, text } => session.handle_call_reply(now, call, status, &text),
            Input::CallFailed { call, why } => session.handle_call_failed(now, call, &why),
            Input::NoCredentials { stream, error } => session.handle_no_credentials(now, stream, &error),
            Input::Credentials { result } => session.handle_credentials(now, result),
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Call { call, reply } => {
                let kind = call.r#type();
                let token = self.session.call(*call);
                self.instruments.call_made();
                self.callers.add(now(), token, kind, reply);
            }
            Command::SetSuppressedRoles(roles) => self.session.set_suppressed_roles(roles),
            Command::SetOfferConstraints(constraints) => {
                self.session.set_offer_constraints(constraints.map(|constraints| *constraints));
            }
            Command::SetFrameworkInfo(info) => self.session.set_framework_info(*info),
            Command::Teardown { done } => {
                self.waiting_for_end.push(done);
                self.session.teardown(now());
            }
            Command::Close { done } => {
                self.waiting_for_end.push(done);
                self.session.close();
            }
        }
    }

    /// Tells the end to everyone: first why, then that.
    async fn finish(mut self, reason: CloseReason) {
        drop(self.transport);
        self.store.finish().await;
        let now = now();
        while let Some((call, outcome)) = self.session.poll_outcome() {
            self.callers.tell(now, call, outcome, &mut self.instruments);
        }
        // Whoever learns of the end asks why.
        let _ = self.closed.set(reason);
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Call { reply, .. } => {
                    // The caller may have dropped the reply.
                    let _ = reply.send(CallOutcome::NotSubscribed);
                }
                Command::Teardown { done } | Command::Close { done } => self.waiting_for_end.push(done),
                Command::SetSuppressedRoles(_)
                | Command::SetOfferConstraints(_)
                | Command::SetFrameworkInfo(_) => {}
            }
        }
    }
}

/// Whether a subscription stands, for logs and metrics.
#[derive(Debug)]
struct Standing {
    /// Since when there is none.
    lost: Option<Instant>,
}

impl Standing {
    fn lost(now: Instant) -> Self {
        Self { lost: Some(now) }
    }

    fn watch(&mut self, now: Instant, event: &Event, instruments: &mut Instruments) {
        match event {
            Event::Subscribed { framework_id, url, .. } => {
                let after = self.lost.take().map(|lost| now.saturating_duration_since(lost));
                let after = after.unwrap_or_default();
                instruments.subscribed(after);
                Span::current().record("framework", display(framework_id));
                info!(master = url, ?after, "subscribed");
            }
            Event::Mesos(event) => {
                instruments.event_told(event.r#type());
                trace!(event = event.r#type().as_str_name(), "event");
            }
            Event::Disconnected { cause, why, retry_in } => {
                self.lost.get_or_insert(now);
                instruments.disconnected(*cause);
                warn!(cause = cause.as_str(), why, ?retry_in, "not subscribed");
            }
            Event::Closed(reason) => info!(%reason, "closed"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the driver is what gives the session its time")]
pub(crate) fn now() -> Instant {
    // The clock of tokio, which its tests can stop.
    time::Instant::now().into_std()
}
