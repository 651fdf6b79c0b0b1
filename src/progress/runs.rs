//! [`RunSpan`]: sends the messages of one run to that run's own listener.

use super::listening::Listening;
use super::{Listen, Message, PART, Place};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::span::EnteredSpan;
use tracing_subscriber::layer::SubscriberExt;

/// A receiver of the messages of one run. The labels of the spans inside the run are already part of each message.
pub trait RunListener: Send + Sync {
    /// Receives a message.
    fn hear(&self, message: &Message);
}

/// The listeners of all open runs in this process, by the number of the run's span.
#[derive(Clone, Default)]
pub(super) struct Runs(Arc<Mutex<HashMap<u64, Arc<dyn RunListener>>>>);

impl Runs {
    pub(super) fn layer(self) -> Listening<Self> {
        Listening(self)
    }

    fn of(&self, id: u64) -> Option<Arc<dyn RunListener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Listen for Runs {
    fn hear(&self, places: &[Place], message: Message) {
        let found = places.iter().enumerate().find_map(|(i, place)| Some((i, self.of(place.id)?)));
        if let Some((depth, listener)) = found {
            let labels = places[..depth].iter().filter_map(|place| place.label.as_deref());
            listener.hear(&labels.fold(message, Message::under));
        }
    }
}

/// The span of a run: until it is dropped, the messages of this thread belong to the run.
pub struct RunSpan {
    runs: Runs,
    span: EnteredSpan,
    /// The run's own subscriber, if none is installed (in tests and in programs that use the library).
    _own: Option<DefaultGuard>,
}

impl RunSpan {
    /// Opens the span of a run whose messages go to `listener`.
    #[must_use]
    pub fn open(listener: Arc<dyn RunListener>) -> Self {
        let found =
            dispatcher::get_default(|dispatch| dispatch.downcast_ref::<Listening<Runs>>().map(|layer| layer.0.clone()));
        let (runs, own) = found.map_or_else(
            || {
                let runs = Runs::default();
                let subscriber = tracing_subscriber::registry().with(runs.clone().layer());
                (runs, Some(dispatcher::set_default(&Dispatch::new(subscriber))))
            },
            |runs| (runs, None),
        );
        let span = tracing::info_span!(target: PART, "run").entered();
        if let Some(id) = span.id() {
            runs.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.into_u64(), listener);
        }
        Self { runs, span, _own: own }
    }
}

impl Drop for RunSpan {
    fn drop(&mut self) {
        if let Some(id) = self.span.id() {
            self.runs.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.into_u64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{JsonLines, TRIAL, advance, begin, warn};
    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<Message>>);

    impl RunListener for Told {
        fn hear(&self, message: &Message) {
            JsonLines::new(Vec::new()).write(message);
            self.0.lock().unwrap().push(message.clone());
        }
    }

    #[test]
    fn a_run_hears_its_own_messages_and_none_of_trials() {
        for name in ["first", "second"] {
            let told = Arc::new(Told::default());
            let run = RunSpan::open(told.clone());
            let method = tracing::info_span!(target: PART, "method", label = "siren").entered();
            let task = begin("fit", Some(2));
            advance(1, &[("loss", 0.5)]);
            task.end();
            warn("hot", name);
            tracing::info_span!(target: TRIAL, "trial").in_scope(|| warn("trial", "unheard"));
            drop(method);
            drop(run);
            warn("late", "the run is over");
            let told = told.0.lock().unwrap();
            assert_eq!(told[0], Message::Begin { task: "siren: fit".into(), steps: Some(2) });
            let figures = vec![("loss".to_string(), 0.5)];
            assert_eq!(told[1], Message::Step { task: "siren: fit".into(), done: 1, figures });
            assert!(matches!(&told[2], Message::End { task, .. } if task == "siren: fit"));
            assert_eq!(told[3], Message::Warning { code: "hot".into(), message: format!("siren: {name}") });
            assert_eq!(told.len(), 4);
        }
    }
}
