"""Paid Once on a laptop: an embedded AWS, a stand-in Stripe, the same CDK app between them."""
