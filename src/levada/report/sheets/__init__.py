"""Rows into Google Sheets: `publish` does it, `account` says for whom; with the libraries of the extra `sheets`."""
