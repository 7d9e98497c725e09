import { testRule } from '../../../test/support/rule-tester.ts';
import { serviceSelector } from './rule.ts';

testRule(serviceSelector, import.meta.dirname);
