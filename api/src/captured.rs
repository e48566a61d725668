pub struct Captured { pub at: entity::scalar::Timestamp, pub proven: bool }
