impl OrderLog {
    #[metrics(calls = scan_runs, errors = scan_errors, in_flight = scans_in_flight)]
    pub async fn scan(&self) -> Result<Report, LogError> {
        let records = self.read_all().await?;
        Ok(Report::of(records))
    }
}
