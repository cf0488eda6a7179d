impl OrderLog {
    #[metrics(errors = write_errors, ok = records_written)]
    pub fn append(&mut self, record: &Record) -> Result<Offset, LogError> {
        let offset = self.file.write(record)?;
        Ok(offset)
    }
}
