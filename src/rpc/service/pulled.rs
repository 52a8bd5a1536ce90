//! A stream that is made as it is asked for: nothing is read ahead of a client that does not read, so it costs its cursor and
//! no more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_stream::Stream;

/// What tonic sends.
pub type Frames<T> = Pin<Box<dyn Stream<Item = Result<T, tonic::Status>> + Send>>;

/// The items that `next` makes of a state, until there is none.
pub fn pulled<S, T, F>(state: S, next: fn(S) -> F) -> Pin<Box<dyn Stream<Item = T> + Send>>
where
    S: Send + 'static,
    T: 'static,
    F: Future<Output = Option<(T, S)>> + Send + 'static,
{
    Box::pin(Pulled { next, state: Some(state), under_way: None })
}

struct Pulled<S, F> {
    next: fn(S) -> F,
    /// Between two items.
    state: Option<S>,
    under_way: Option<Pin<Box<F>>>,
}

// The state is moved, and never pinned.
impl<S, F> Unpin for Pulled<S, F> {}

impl<S, T, F: Future<Output = Option<(T, S)>>> Stream for Pulled<S, F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(state) = self.state.take() {
            self.under_way = Some(Box::pin((self.next)(state)));
        }
        let Some(under_way) = &mut self.under_way else { return Poll::Ready(None) };
        let made = std::task::ready!(under_way.as_mut().poll(context));
        self.under_way = None;
        Poll::Ready(made.map(|(item, state)| {
            self.state = Some(state);
            item
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_stream::StreamExt;

    #[tokio::test]
    async fn items_come_until_there_is_none_and_then_none_comes() {
        let mut stream = pulled(0, |at: u8| async move { (at < 3).then_some((at, at + 1)) });
        let mut seen = Vec::new();
        while let Some(item) = stream.next().await {
            seen.push(item);
        }
        assert_eq!(seen, [0, 1, 2]);
        assert_eq!(stream.next().await, None);
    }
}
