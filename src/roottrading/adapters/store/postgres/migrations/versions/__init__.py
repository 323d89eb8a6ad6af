"""The revisions, in order; what was released is never changed, only followed."""
