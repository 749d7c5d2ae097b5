-- From version 5 to 6. Makes flowerpower_migration.
CREATE TABLE flowerpower_migration (
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, kind, id)
);
