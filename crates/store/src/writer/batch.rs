//! Several statements that are sent to `SQLite` at once, since each trip to its thread costs more than a statement.
//! Invariant: the text holds no value; every value is bound, in the order of the question marks or by
//! its number.
//! It must not know the tables.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite};

/// A query that takes values.
type Bindable<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Statements with their values.
#[derive(Debug, Default)]
pub(super) struct Batch {
    sql: String,
    values: Vec<Value>,
}

/// A value to bind.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text.
    Text(String),
    /// A number.
    Integer(i64),
    /// Nothing at all.
    Null,
}

impl Batch {
    /// Statements whose values are numbered (`$1`), each the same in all of them. Not `?1`: there each statement would
    /// have to name every number up to its largest, since the gaps take values, too.
    pub(super) fn numbered(sql: &str, values: Vec<Value>) -> Self {
        let sql = format!("{sql};");
        Self { sql, values }
    }

    /// Adds a statement without its final semicolon. Its text is kept prepared, so it must come from few.
    pub(super) fn push<const N: usize>(&mut self, sql: &str, values: [Value; N]) {
        self.sql.push_str(sql);
        self.sql.push(';');
        self.values.extend(values);
    }

    /// Adds statements that insert rows of `N` values. Their sizes are powers of two, so that a few prepared
    /// statements serve any number of rows.
    pub(super) fn push_rows<const N: usize>(&mut self, insert: &str, mut rows: Vec<[Value; N]>) {
        // Well below `SQLite`'s limit of 32,766 values a statement.
        const ROWS: usize = 64;
        let row = format!("({})", ["?"; N].join(", "));
        while !rows.is_empty() {
            let size = ROWS.min(1 << rows.len().ilog2());
            self.sql.push_str(insert);
            for (index, values) in rows.drain(..size).enumerate() {
                self.sql.push_str(if index == 0 { " " } else { ", " });
                self.sql.push_str(&row);
                self.values.extend(values);
            }
            self.sql.push(';');
        }
    }

    /// Encloses the statements in a savepoint that is released at their end.
    pub(super) fn in_savepoint(mut self, name: &str) -> Self {
        self.sql = format!("SAVEPOINT {name};{}RELEASE {name};", self.sql);
        self
    }

    /// Runs the statements in order and yields all their rows; stops at the first error.
    ///
    /// # Errors
    /// `SQLite`'s.
    pub(super) async fn run(
        self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let query = sqlx::query(AssertSqlSafe(self.sql));
        bind(query, self.values).fetch_all(connection).await
    }
}

/// Binds values to a query, in their order.
pub(crate) fn bind(query: Bindable<'_>, values: Vec<Value>) -> Bindable<'_> {
    values.into_iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(number) => query.bind(number),
        Value::Null => query.bind(None::<i64>),
    })
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(number.cast_signed())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
