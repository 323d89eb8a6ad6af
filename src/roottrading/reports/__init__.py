"""What a run says of itself: CSV files, report.json, the printed and the HTML report."""
