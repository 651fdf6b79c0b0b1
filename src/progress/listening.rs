//! [`Listening`]: a `tracing` layer that turns the program's spans and events into [`Message`]s.

use super::{BOARD, Message, NOTE, STEP, TASK, TRIAL, WARNING, covered};
use serde_json::{Map, Value};
use std::fmt::Debug;
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// A receiver of messages.
pub trait Listen: 'static {
    /// Receives a message that was sent inside the spans `places`, the innermost first. The message does not contain
    /// their labels yet.
    fn hear(&self, places: &[Place], message: Message);
}

/// A span inside which a message was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The span's number.
    pub id: u64,
    /// Label of the span, such as the method's name.
    pub label: Option<String>,
}

/// The `tracing` layer that passes messages to a listener.
pub(super) struct Listening<L>(pub(super) L);

/// The fields of a span and its start time, stored with the span for all layers.
pub(super) struct SpanFields {
    pub(super) values: Map<String, Value>,
    begin: Instant,
}

/// Collects the field values of a span or an event.
#[derive(Default)]
pub(super) struct Values(pub(super) Map<String, Value>);

impl Values {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_string(), value);
    }

    pub(super) fn of(event: &Event<'_>) -> Map<String, Value> {
        let mut values = Self::default();
        event.record(&mut values);
        values.0
    }
}

impl Visit for Values {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

/// Stores the field values of a new span with the span, unless another layer has done so.
pub(super) fn keep<S: Subscriber + for<'a> LookupSpan<'a>>(attributes: &Attributes<'_>, id: &Id, context: &Context<S>) {
    let Some(span) = context.span(id) else { return };
    let mut extensions = span.extensions_mut();
    if extensions.get_mut::<SpanFields>().is_none() {
        let mut values = Values::default();
        attributes.record(&mut values);
        extensions.insert(SpanFields { values: values.0, begin: Instant::now() });
    }
}

/// Stores field values that are recorded after a span was opened.
pub(super) fn keep_more<S: Subscriber + for<'a> LookupSpan<'a>>(id: &Id, record: &Record<'_>, context: &Context<S>) {
    let Some(span) = context.span(id) else { return };
    let mut values = Values::default();
    record.record(&mut values);
    if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
        fields.values.extend(values.0);
    }
}

/// The string value of the field `name`, if there is one.
pub(super) fn text(values: &Map<String, Value>, name: &str) -> Option<String> {
    values.get(name).and_then(Value::as_str).map(str::to_string)
}

/// The spans around a message, and the name of the task that it belongs to. `None` inside a trial, whose messages are
/// not passed on.
fn places<S: Subscriber + for<'a> LookupSpan<'a>>(scope: Option<Scope<'_, S>>) -> Option<(Vec<Place>, String)> {
    let (mut places, mut task) = (Vec::new(), None);
    for span in scope.into_iter().flatten() {
        let target = span.metadata().target();
        if target == TRIAL {
            return None;
        }
        let extensions = span.extensions();
        let fields = extensions.get::<SpanFields>();
        if target == TASK && task.is_none() {
            task = fields.and_then(|fields| text(&fields.values, "task"));
        }
        places.push(Place { id: span.id().into_u64(), label: fields.and_then(|fields| text(&fields.values, "label")) });
    }
    Some((places, task.unwrap_or_default()))
}

impl<S: Subscriber + for<'a> LookupSpan<'a>, L: Listen> Layer<S> for Listening<L> {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        keep(attributes, id, &context);
        if attributes.metadata().target() == TASK
            && let Some((places, task)) = places(context.span_scope(id))
        {
            let mut values = Values::default();
            attributes.record(&mut values);
            self.0.hear(&places, Message::Begin { task, steps: values.0.get("steps").and_then(Value::as_u64) });
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        keep_more(id, record, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let target = event.metadata().target();
        if ![STEP, WARNING, BOARD, NOTE].contains(&target) {
            return;
        }
        let Some((places, task)) = places(context.event_scope(event)) else { return };
        let mut values = Values::of(event);
        let message = match target {
            STEP => {
                let done = values.remove("done").and_then(|done| done.as_u64()).unwrap_or_default();
                let figure = |(name, value): (String, Value)| (name, value.as_f64().unwrap_or(f64::NAN));
                Message::Step { task, done, figures: values.into_iter().map(figure).collect() }
            }
            WARNING => Message::Warning {
                code: text(&values, "code").unwrap_or_default(),
                message: covered(&text(&values, "message").unwrap_or_default()),
            },
            BOARD => Message::Board {
                text: covered(&text(&values, "text").unwrap_or_default()),
                changes: covered(&text(&values, "changes").unwrap_or_default()),
            },
            _ => Message::Note { event: text(&values, "event").unwrap_or_default(), values: without_event(values) },
        };
        self.0.hear(&places, message);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id).filter(|span| span.metadata().target() == TASK) else { return };
        let seconds = span.extensions().get::<SpanFields>().map_or(0.0, |fields| fields.begin.elapsed().as_secs_f64());
        if let Some((places, task)) = places(context.span_scope(&id)) {
            self.0.hear(&places, Message::End { task, seconds });
        }
    }
}

fn without_event(mut values: Map<String, Value>) -> Map<String, Value> {
    values.shift_remove("event");
    values.values_mut().for_each(super::cover_json);
    values
}
