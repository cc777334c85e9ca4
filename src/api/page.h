/*
 * The pages as text: the files of src/api/page and src/api/docs, which tools/embed-page makes into C when the program is built.
 */
#ifndef API_PAGE_H
#define API_PAGE_H

extern const char page_html[], page_css[], page_js[];
extern const char docs_html[], docs_css[], docs_js[];

#endif
