impl OrderLog {
    #[metrics(errors, ok = records_written, in_flight = appends_in_flight)]
    pub fn append(&mut self, record: Record) -> Result<Offset, LogError> {
        let offset = self.file.write(&record)?;
        self.len += 1;
        Ok(offset)
    }
}
