"""The house's defaults of one AWS resource each."""
