import { testRule } from '../../../test/support/rule-tester.ts';
import { serviceShared } from './rule.ts';

testRule(serviceShared, import.meta.dirname);
