//! The daemon's end, for all who have to hear of it.

use tokio::sync::watch;

/// Whoever has it ends the daemon.
#[derive(Debug)]
pub struct Switch(watch::Sender<bool>);

/// Hears of the end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Switch {
    /// A new one, and the first of those who hear of it.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Ends it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it has been asked for.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked for. A switch that is gone asks for it, too.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        let _ = receiver.wait_for(|stop| *stop).await;
    }
}
