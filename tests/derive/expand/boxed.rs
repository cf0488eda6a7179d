impl OrderLog {
    #[metrics(errors = read_errors, calls = reads)]
    fn read(&self, offset: Offset) -> Pin<Box<dyn Future<Output = Result<Record, LogError>> + Send + '_>> {
        Box::pin(self.file.read(offset))
    }
}
