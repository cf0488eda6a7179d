impl OrderLog {
    #[metrics(errors = write_errors)]
    pub fn flush(&self) -> Fallible<()> {
        self.file.flush()
    }
}
